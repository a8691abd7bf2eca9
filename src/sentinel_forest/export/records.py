"""Files of ``tf.train.Example`` records, TFRecord and ArrayRecord, without TensorFlow.

A record is a map from names to bytes, to float32 values or to int64 values. Sources: `example.proto`
and `feature.proto` of TensorFlow, the encoding of protocol buffers
(https://protobuf.dev/programming-guides/encoding), and TensorFlow's description of TFRecord
(https://www.tensorflow.org/tutorials/load_data/tfrecord).
"""

import importlib
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Protocol

import google_crc32c
import numpy as np

from sentinel_forest.errors import InputError

Value = bytes | np.ndarray
"""What a record holds under a name: bytes, or a flat array of float32 or of int64."""

FORMATS = ("tfrecord", "array_record")

_LENGTH, _CRC = struct.Struct("<Q"), struct.Struct("<I")
_BYTES, _FLOATS, _INTEGERS = 1, 2, 3
_DELIMITED = 2
"""Wire type of whatever has its length before it."""
_READ_AT_ONCE = 64
"""Records of an ArrayRecord file that are held at a time."""


class Writer(Protocol):
    """Takes the records of a file in their order."""

    def write(self, record: bytes) -> None:
        """Add a record."""

    def close(self) -> None:
        """Complete the file."""


def encode(values: Mapping[str, Value]) -> bytes:
    """The bytes of a ``tf.train.Example``, its names sorted.

    Parameters
    ----------
    values : mapping of str to bytes or ndarray
        Arrays are flattened; those of floats are written as float32, those of integers as int64.
    """
    entries = [
        _delimited(1, _delimited(1, name.encode()) + _delimited(2, _feature(value)))
        for name, value in sorted(values.items())
    ]
    return _delimited(1, b"".join(entries))


def decode(record: bytes) -> dict[str, Value]:
    """The values in the bytes of a ``tf.train.Example``; arrays are flat.

    Raises
    ------
    ValueError
        If the bytes are none, or its numbers are not packed, as all of TensorFlow's writers do.
    """
    values = {}
    for features in _members(memoryview(record), 1):
        for entry in _members(features, 1):
            name = b"".join(_members(entry, 1)).decode()
            values[name] = _value(b"".join(_members(entry, 2)))
    return values


def writer(path: Path, form: str) -> Writer:
    """Begin a file of records.

    Parameters
    ----------
    path : Path
        The file; its folder must be there.
    form : str
        One of `FORMATS`.

    Raises
    ------
    InputError
        If ArrayRecord is wanted and its package is not there.
    """
    if form == "tfrecord":
        return _TFRecordWriter(path)
    file: Writer = _array_record().ArrayRecordWriter(str(path), "group_size:1")
    return file


def read(path: Path, form: str) -> Iterator[dict[str, Value]]:
    """The records of a file in their order, see `decode`.

    Raises
    ------
    InputError
        If the file is missing or damaged (checksums are compared), or holds other records.
    """
    if not path.is_file():
        raise InputError("A file of records is missing.", where=path, remedy="fetch the whole data set again")
    records = _tfrecords(path) if form == "tfrecord" else _array_records(path)
    for number, record in enumerate(records):
        try:
            yield decode(record)
        except (ValueError, IndexError) as error:
            raise InputError(
                "A record is not a tf.train.Example.",
                where=f"{path}, record {number}",
                found=error,
                expected="named lists of bytes, of floats or of integers, packed",
            ) from error


def masked_crc(data: bytes) -> int:
    """The checksum of TFRecord: CRC-32C, rotated right by 15 bits, plus a constant."""
    crc = int(google_crc32c.value(data))
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _varint(value: int) -> bytes:
    """Seven bits a byte, low ones first; a negative number as its two's complement of 64 bits."""
    value &= (1 << 64) - 1
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def _delimited(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _DELIMITED) + _varint(len(content)) + content


def _feature(value: Value) -> bytes:
    if isinstance(value, bytes):
        return _delimited(_BYTES, _delimited(1, value))
    if np.issubdtype(value.dtype, np.floating):
        return _delimited(_FLOATS, _delimited(1, value.astype("<f4").tobytes()))
    packed = b"".join(_varint(number) for number in value.ravel().tolist())
    return _delimited(_INTEGERS, _delimited(1, packed))


def _read_varint(data: memoryview, start: int) -> tuple[int, int]:
    """A number and the place after it."""
    value = shift = 0
    for place in range(start, start + 10):
        value |= (data[place] & 0x7F) << shift
        shift += 7
        if data[place] < 0x80:
            return value, place + 1
    raise ValueError(f"a number of more than 10 bytes at byte {start}")


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and content of each field of a message."""
    place = 0
    while place < len(data):
        key, place = _read_varint(data, place)
        if key & 7 != _DELIMITED:
            raise ValueError(f"wire type {key & 7} in field {key >> 3}")
        length, place = _read_varint(data, place)
        if place + length > len(data):
            raise ValueError(f"field {key >> 3} ends after its message")
        yield key >> 3, data[place : place + length]
        place += length


def _members(data: memoryview, number: int) -> list[memoryview]:
    """Contents of the fields of one number."""
    return [content for field, content in _fields(data) if field == number]


def _value(feature: bytes) -> Value:
    for kind, values in _fields(memoryview(feature)):
        content = b"".join(_members(values, 1))
        if kind == _BYTES:
            return content
        if kind == _FLOATS:
            return np.frombuffer(content, "<f4")
        if kind == _INTEGERS:
            return _integers(memoryview(content))
    return b""


def _integers(packed: memoryview) -> np.ndarray:
    numbers, place = [], 0
    while place < len(packed):
        number, place = _read_varint(packed, place)
        numbers.append(number & (1 << 64) - 1)
    return np.array(numbers, dtype=np.uint64).astype(np.int64)


class _TFRecordWriter:
    """Length, its checksum, the record, its checksum: for each record."""

    def __init__(self, path: Path) -> None:
        self.stream = open(path, "wb")  # noqa: SIM115 (closed by `close`)

    def write(self, record: bytes) -> None:
        length = _LENGTH.pack(len(record))
        self.stream.write(length + _CRC.pack(masked_crc(length)) + record + _CRC.pack(masked_crc(record)))

    def close(self) -> None:
        self.stream.close()


def _tfrecords(path: Path) -> Iterator[bytes]:
    whole = path.stat().st_size
    with open(path, "rb") as stream:
        while length := stream.read(_LENGTH.size):
            start = stream.tell() - len(length)
            if _crc_of(stream.read(_CRC.size)) != masked_crc(length):
                raise _damaged(path, f"a wrong checksum of the length at byte {start}")
            record = stream.read(min(_LENGTH.unpack(length)[0], whole))
            if _crc_of(stream.read(_CRC.size)) != masked_crc(record):
                raise _damaged(path, f"a wrong checksum, or the end, of the record at byte {start}")
            yield record


def _crc_of(stored: bytes) -> int | None:
    return _CRC.unpack(stored)[0] if len(stored) == _CRC.size else None


def _array_records(path: Path) -> Iterator[bytes]:
    reader = _array_record().ArrayRecordReader(str(path))
    try:
        if not reader.ok():
            raise _damaged(path, "no ArrayRecord file")
        for start in range(0, reader.num_records(), _READ_AT_ONCE):
            yield from reader.read(start, min(start + _READ_AT_ONCE, reader.num_records()))
    except RuntimeError as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, found: str) -> InputError:
    return InputError("A file of records is damaged.", where=path, found=found, remedy="fetch it again")


def _array_record() -> ModuleType:
    # Imported here because its package is not made for every platform, and TFRecord needs none.
    try:
        return importlib.import_module("array_record.python.array_record_module")
    except ImportError as error:
        raise InputError(
            "ArrayRecord files need the package array-record.",
            found=error,
            remedy="install it, or do without this format",
        ) from error

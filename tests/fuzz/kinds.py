"""The kinds of attack, in the order of the table."""

from fuzz import data, network, texts
from fuzz.harness import Kind

KINDS = {
    "bits-published": Kind(
        "one bit of a file whose checksum is published",
        data.so2sat_release,
        data.flip_where_checksums_are_published,
        15,
    ),
    "replaced": Kind(
        "a file that was read before, by one of the same size and date",
        data.so2sat_release,
        data.replace_after_the_first_sight,
        8,
    ),
    "hdf5": Kind("bytes of HDF5 without a checksum", data.so2sat_release, data.damage_without_checksums, 20),
    "geo": Kind("bytes of HDF5 with places, without a checksum", data.geo_release, data.damage_without_checksums, 25),
    "structures": Kind(
        "HDF5: links, external storage, virtual and huge datasets, other types",
        data.so2sat_release,
        data.build_another_structure,
        30,
    ),
    "geotiff": Kind("bytes of GeoTIFF without a checksum", data.sen12ms_release, data.damage_without_checksums, 10),
    "archives": Kind("members and bytes of tar and gzip", data.packed, data.attack_an_archive, 80),
    "tables": Kind("cells, columns and bytes of CSV", data.cloudsen12_release, data.attack_a_table, 30),
    "servers": Kind("answers of a server, and the file behind them", network.nothing, network.attack_by_a_server, 25),
    "hub": Kind("answers of a hub", network.nothing, network.attack_by_a_hub, 40),
    "registry": Kind("values and bytes of a registry file", texts.registry_entry, texts.attack_a_registry_file, 80),
    "configuration": Kind("values of a configuration", texts.configuration, texts.attack_a_configuration, 60),
    "sealed": Kind("files of a sealed version", texts.sealed_version, texts.tamper_with_a_version, 80),
}

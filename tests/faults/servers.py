"""Real servers on the loopback address, and what goes wrong between them and us."""

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

PACKAGES = {
    "nginx": "nginx-light",
    "rsync": "rsync",
    "vsftpd": "vsftpd",
    "aria2c": "aria2",
    "curl": "curl",
    "setpriv": "util-linux",
    "openssl": "openssl",
}


def program(name: str) -> str:
    """Path of a program; without its package the test is skipped by name, and fails where CI=true."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        message = f"the Debian package {PACKAGES[name]} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[subprocess.Popen]:
    """A server process while the block runs."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that servers under another name may read."""
    folder = Path(tempfile.mkdtemp(prefix="sentinel-forest-faults-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class Nginx:
    """nginx over a folder: /  /slow/ (2 MB/s)  /fast/ (60 MB/s)  /no-range/  /page/  /private/  /moved/."""

    def __init__(self, root: Path, folder: Path, port: int) -> None:
        self.root, self.port, self.log = root, port, folder / "access.log"
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "passwords").write_text("reader:{PLAIN}open sesame\n")
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        self.configuration = folder / "nginx.conf"
        self.configuration.write_text(f"""
            daemon off; {user} worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
            events {{ worker_connections 128; }}
            http {{
              {temporary}
              log_format bytes '$status $body_bytes_sent $uri'; access_log {self.log} bytes;
              send_timeout 5s;
              server {{
                listen 127.0.0.1:{self.port};
                location / {{ root {root}; }}
                location /slow/ {{ alias {root}/; limit_rate 2m; }}
                location /fast/ {{ alias {root}/; limit_rate 60m; }}
                location /no-range/ {{ alias {root}/; max_ranges 0; }}
                location /page/ {{ default_type text/html; return 200 '<html>try later</html>'; }}
                location /masked/ {{ default_type application/octet-stream; return 200 '<html>no</html>'; }}
                location /forbidden/ {{ return 403; }}
                location /busy/ {{ return 503; }}
                location /private/ {{
                  alias {root}/; auth_basic files; auth_basic_user_file {folder}/passwords;
                }}
              }}
            }}""")

    def url(self, place: str = "") -> str:
        return f"http://127.0.0.1:{self.port}/{place}{{path}}"

    def sent(self) -> int:
        """Bytes of files sent so far, including those to connections that broke."""
        time.sleep(0.1)
        rows = [line.split(" ", 2) for line in self.log.read_text().splitlines()]
        return sum(int(count) for status, count, _ in rows if status in ("200", "206"))


@contextlib.contextmanager
def nginx(root: Path, port: int | None = None) -> Iterator[Nginx]:
    with open_folder() as folder:
        server = Nginx(root, folder, port or free_port())
        binary = program("nginx")
        with running([binary, "-c", str(server.configuration), "-e", str(folder / "error.log")], server.port):
            yield server


@contextlib.contextmanager
def rsync_daemon(root: Path, rate: int = 0) -> Iterator[int]:
    """An rsync daemon with a module ``open`` and a module ``private``; its port."""
    with open_folder() as folder:
        port = free_port()
        secrets = folder / "secrets"
        secrets.write_text("reader:open sesame\n")
        secrets.chmod(0o600)
        numbers = f"uid = {os.geteuid()}\ngid = {os.getegid()}\n" if os.geteuid() == 0 else ""
        (folder / "rsyncd.conf").write_text(
            f"port = {port}\naddress = 127.0.0.1\nuse chroot = no\npid file = {folder}/pid\n"
            f"log file = {folder}/log\n{numbers}"
            f"[open]\npath = {root}\n[private]\npath = {root}\nauth users = reader\n"
            f"secrets file = {secrets}\n"
        )
        limit = [f"--bwlimit={rate}"] if rate else []
        command = [program("rsync"), "--daemon", "--no-detach", *limit, f"--config={folder}/rsyncd.conf"]
        with running(command, port):
            yield port


@contextlib.contextmanager
def ftp_server(anonymous: bool = True) -> Iterator[tuple[int, Path]]:
    """vsftpd over a folder; its port and that folder."""
    with open_folder() as folder:
        root, empty, port = folder / "root", folder / "empty", free_port()
        root.mkdir()
        empty.mkdir()
        own = "run_as_launching_user=YES\n" if os.geteuid() else ""
        (folder / "vsftpd.conf").write_text(
            f"listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\n{own}"
            f"anonymous_enable={'YES' if anonymous else 'NO'}\n"
            f"local_enable={'NO' if anonymous else 'YES'}\nno_anon_password=YES\nanon_root={root}\n"
            f"secure_chroot_dir={empty}\nseccomp_sandbox=NO\nisolate=NO\nisolate_network=NO\n"
        )
        with running([program("vsftpd"), str(folder / "vsftpd.conf")], port):
            yield port, root


class Cutter:
    """A line to a server that breaks after `most` bytes of each connection; counts what passes.

    `swap` is called when a line breaks for the first time.
    """

    def __init__(self, port: int, most: int | None, swap=None) -> None:
        self.target, self.most, self.swap = port, most, swap
        self.passed = self.broken = 0
        self._guard = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.target), 5)
        except OSError:
            client.close()
            return
        threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
        left = self.most if self.most is not None else 1 << 60
        with client, server, contextlib.suppress(OSError):
            while left and (data := server.recv(min(left, 1 << 16))):
                client.sendall(data)
                left -= len(data)
                with self._guard:
                    self.passed += len(data)
            if not left:
                self._break()
            client.shutdown(socket.SHUT_RDWR)

    def _break(self) -> None:
        with self._guard:
            self.broken += 1
            swap, self.swap = self.swap, None
        if swap:
            swap()

    @staticmethod
    def _forward(client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                server.sendall(data)


@contextlib.contextmanager
def cutter(port: int, most: int | None, swap=None) -> Iterator[Cutter]:
    line = Cutter(port, most, swap)
    try:
        yield line
    finally:
        line.close()


COMMIT = "c" * 40


class Hub:
    """An endpoint like that of the hub: revisions, listings of two pages, files behind a redirection."""

    def __init__(self, root: Path, token: str = "", elsewhere: str = "") -> None:
        self.root, self.token, self.elsewhere = root, token, elsewhere
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                hub.answer(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        self.asked.append(parts.path)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return self.give(request, 401, {"error": "Invalid credentials"})
        if parts.path == "/api/datasets/us/toy/revision/main":
            return self.give(request, 200, {"sha": COMMIT})
        if parts.path == f"/api/datasets/us/toy/tree/{COMMIT}":
            return self.list(request, int(parse_qs(parts.query).get("cursor", ["0"])[0]))
        if parts.path.startswith(f"/datasets/us/toy/resolve/{COMMIT}/"):
            request.send_response(302)
            request.send_header("Location", f"{self.elsewhere}/{parts.path.rsplit('/', 1)[1]}?signed=yes")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return None
        return self.give(request, 404, {"error": "no"})

    def list(self, request: BaseHTTPRequestHandler, start: int) -> None:
        paths = sorted(path for path in self.root.iterdir() if path.is_file())
        entries = []
        for path in paths[start : start + 1]:
            data = path.read_bytes()
            entry: dict = {"type": "file", "path": path.name, "size": len(data)}
            entry["oid"] = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
            if path.suffix == ".dat":
                entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data)}
            entries.append(entry)
        more = {}
        if start + 1 < len(paths):
            page = f"{self.address}/api/datasets/us/toy/tree/{COMMIT}?recursive=true&cursor={start + 1}"
            more = {"Link": f'<{page}>; rel="next"'}
        self.give(request, 200, entries, more)

    @staticmethod
    def give(request: BaseHTTPRequestHandler, status: int, content: object, headers: dict | None = None) -> None:
        body = json.dumps(content).encode()
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)


@contextlib.contextmanager
def hub(root: Path, token: str = "", elsewhere: str = "") -> Iterator[Hub]:
    server = Hub(root, token, elsewhere)
    try:
        yield server
    finally:
        server.server.shutdown()
        server.server.server_close()


@contextlib.contextmanager
def odd_server(
    answer: Callable[[BaseHTTPRequestHandler, tuple[int, int | None] | None], None], host: str = "127.0.0.1"
) -> Iterator[str]:
    """A server that does what `answer` does with a request and its range (None: it has none); its address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            first, _, last = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
            with contextlib.suppress(OSError):
                answer(self, (int(first), int(last) if last else None) if first else None)

        def do_HEAD(self) -> None:
            self.do_GET()

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    server = Server((host, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}/{{path}}"
    finally:
        server.shutdown()
        server.server_close()


def give(request: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    """Answer with `body`; underscores in the names of headers stand for hyphens."""
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()
    if request.command == "GET":
        request.wfile.write(body)


def give_range(request: BaseHTTPRequestHandler, body: bytes, part: tuple[int, int | None] | None) -> None:
    """Answer as a sound server does."""
    if part is None:
        return give(request, body, Content_Length=str(len(body)))
    first, last = part[0], len(body) - 1 if part[1] is None else part[1]
    found, length = f"bytes {first}-{last}/{len(body)}", str(last - first + 1)
    return give(request, body[first : last + 1], 206, Content_Range=found, Content_Length=length)

"""A small Debian with CPython as a tar, from this machine's files: what debootstrap would give, without a download."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# Beyond the essential packages: TLS, `useradd`, time zones, name services, and what wheels take for granted.
MORE_PACKAGES = ("libc6", "libgcc-s1", "libstdc++6", "passwd", "tzdata", "netbase", "media-types")
LEFT_OUT = re.compile(r"^/usr/share/(doc|doc-base|man|locale|info|lintian|bug)/")
LEFT_OUT_OF_PYTHON = re.compile(
    r"/(test|idlelib|tkinter|turtledemo|site-packages|config-3[^/]*|_tkinter[^/]*\.so|[^/]*\.a)(/|$)"
)
MULTIARCH = "usr/lib/x86_64-linux-gnu"  # where the loader looks without being told
PASSWD = """root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""


class Image:
    """A tar that takes each path once, and gives everything to root."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._seen: set[str] = set()

    def add(self, source: Path, target: str) -> None:
        """One file, link or folder of this machine, without what is in it."""
        target = target.strip("/")
        if target and target not in self._seen:
            self._seen.add(target)
            self._archive.add(source, target, recursive=False, filter=owned_by_root)

    def add_tree(self, source: Path, target: str, leave_out: re.Pattern[str] | None = None) -> None:
        self.add(source, target)
        for path in sorted(source.rglob("*")):
            inside = str(path.relative_to(source))
            if not (leave_out and leave_out.search(f"/{inside}")):
                self.add(path, f"{target}/{inside}")

    def add_folder(self, target: str, mode: int = 0o755) -> None:
        entry = tarfile.TarInfo(target)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        self._put(entry)

    def add_link(self, target: str, to: str) -> None:
        entry = tarfile.TarInfo(target)
        entry.type, entry.linkname = tarfile.SYMTYPE, to
        self._put(entry)

    def write(self, target: str, text: str, mode: int = 0o644) -> None:
        entry = tarfile.TarInfo(target)
        entry.size, entry.mode = len(text.encode()), mode
        self._put(entry, text.encode())

    def _put(self, entry: tarfile.TarInfo, content: bytes | None = None) -> None:
        if entry.name not in self._seen:
            self._seen.add(entry.name)
            self._archive.addfile(entry, None if content is None else io.BytesIO(content))


def owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry


def possible() -> bool:
    """True on a Debian, whose package database knows which files belong together."""
    return Path("/etc/debian_version").exists() and shutil.which("dpkg-query") is not None


def add_debian(image: Image, pythons: dict[str, Path], prefix: str) -> None:
    """The essential packages, the interpreters below `prefix`, and every library that either of them links to."""
    for top in ("bin", "sbin", "lib", "lib64"):
        if Path("/", top).is_symlink():
            image.add(Path("/", top), top)
    for folder in ("dev", "etc", "home", "proc", "root", "run", "sys"):
        image.add_folder(folder)
    for folder in ("tmp", "var/tmp"):
        image.add_folder(folder, 0o1777)
    # What the packages' scripts would write; this machine's own accounts stay at home.
    image.write("etc/passwd", PASSWD)
    image.write("etc/group", "root:x:0:\nnogroup:x:65534:\n")
    image.write("etc/shadow", "root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n", 0o640)
    image.write("etc/gshadow", "root:*::\nnogroup:*::\n", 0o640)
    files = list(package_files())
    for path in files:
        # A package may say /bin/sh where /bin is a link: the tar must hold the real folder.
        image.add(path, str(path.parent.resolve() / path.name))
    extensions: list[Path] = []
    for number, (version, interpreter) in enumerate(pythons.items()):
        home = interpreter.parent.parent
        image.add_tree(home / "lib" / f"python{version}", f"{prefix}/lib/python{version}", LEFT_OUT_OF_PYTHON)
        image.add_folder(f"{prefix}/lib/python{version}/site-packages")
        image.add(interpreter, f"{prefix}/bin/python{version}")
        if number == 0:
            for name in ("python", "python3"):
                image.add_link(f"{prefix}/bin/{name}", f"python{version}")
        extensions += [interpreter, *(home / "lib" / f"python{version}" / "lib-dynload").glob("*.so")]
    programs = [path for path in files if path.is_file() and not path.is_symlink() and os.access(path, os.X_OK)]
    for library in sorted(linked(programs + [path for path in extensions if "_tkinter" not in path.name])):
        image.add(library.resolve(), f"{MULTIARCH}/{library.name}")
    image.add(Path(CERTIFICATES).resolve(), CERTIFICATES)


def package_files() -> Iterator[Path]:
    """Every path of the essential packages and the few more; parents first, as dpkg lists them."""
    listed = output("dpkg-query", "--show", "--showformat", "${Essential} ${Package}\\n")
    essential = [line.split()[1] for line in listed if line.startswith("yes ")]
    for line in output("dpkg-query", "--listfiles", *essential, *MORE_PACKAGES):
        path = Path(line)
        if line.startswith("/") and not LEFT_OUT.match(line) and (path.exists() or path.is_symlink()):
            yield path


def linked(programs: Iterable[Path]) -> set[Path]:
    """The shared libraries of these programs, and theirs in turn."""
    found: set[Path] = set()
    done = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, timeout=120)
    for line in done.stdout.splitlines():  # ldd also complains about scripts, which link to nothing
        target = re.search(r"=> (/\S+) \(", line)
        if target:
            found.add(Path(target[1]))
    return found


def output(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()

"""Landlock and seccomp by system call: what a process may open, connect to and signal, without privileges.

Runs inside the sandbox (imported by `warden.py`), so it needs the standard library only. Landlock governs files
(ABI 1), TCP (4), and abstract sockets and signals (6). The filter below covers what Landlock does not: other
sockets, kernel keyrings, and io_uring, which would go round both.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_READ = 1 << 0 | 1 << 2 | 1 << 3
_LIST = 1 << 3
_FILE = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15
_ALL_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP = 3
_SCOPES = 3
_NO_NEW_PRIVS = 38
_BOUNDING_DROP = 24
_SET_SECCOMP, _SECCOMP_FILTER = 22, 2

_ARCH = {
    "x86_64": (0xC000003E, {"socket": 41, "keys": (248, 249, 250), "uring": 425}),
    "aarch64": (0xC00000B7, {"socket": 198, "keys": (217, 218, 219), "uring": 425}),
}
AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def abi() -> int:
    """The kernel's Landlock ABI, 0 where there is none."""
    if platform.system() != "Linux" or platform.machine() not in _ARCH:
        return 0
    found = _libc().syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    return max(found, 0)


def restrict(read: list[str], write: list[str], listed: list[str], *, tcp: bool) -> None:
    """Limit this process and its children for ever: files below `read` and `write`, TCP only if `tcp`.

    Below `listed` names may be seen and nothing opened. Paths that do not exist are left out. Signals and abstract
    sockets stay within the sandbox where the kernel can say so.
    """
    version = abi()
    libc = _libc()
    everything = _ALL_BY_ABI.get(version, _ALL_BY_ABI[5])
    net = _TCP if version >= 4 and not tcp else 0
    scopes = _SCOPES if version >= 6 else 0
    attributes = struct.pack("<QQQ", everything, net, scopes)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _check(
        libc.syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)), "landlock"
    )
    try:
        rules = [*((p, _LIST) for p in listed), *((p, _READ) for p in read), *((p, everything) for p in write)]
        for path, allowed in rules:
            _allow(libc, ruleset, path, allowed & everything)
        _check(libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
        _check(libc.syscall(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0)), "landlock")
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, allowed: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            allowed &= _FILE
        rule = struct.pack("<Qi", allowed, handle)
        _check(libc.syscall(_ADD, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint32(0)), path)
    finally:
        os.close(handle)


def drop_capabilities() -> None:
    """Give up all capabilities of root for ever; nothing to do for other users."""
    libc = _libc()
    if os.geteuid() == 0:
        for number in range(64):
            libc.prctl(_BOUNDING_DROP, number, 0, 0, 0)
    header = struct.pack("<II", 0x20080522, 0)
    _check(libc.capset(header, bytes(24)), "capset")


def forbid(families: list[int]) -> None:
    """Refuse sockets of `families`, kernel keyrings and io_uring with "operation not permitted"."""
    known = _ARCH.get(platform.machine())
    if known is None:
        return
    architecture, numbers = known
    refuse = struct.pack("<HBBI", 0x06, 0, 0, 0x00050000 | errno.EPERM)
    accept = struct.pack("<HBBI", 0x06, 0, 0, 0x7FFF0000)
    program = [
        struct.pack("<HBBI", 0x20, 0, 0, 4),
        struct.pack("<HBBI", 0x15, 1, 0, architecture),
        refuse,
        struct.pack("<HBBI", 0x20, 0, 0, 0),
        struct.pack("<HBBI", 0x35, 0, 1, 0x40000000),
        refuse,
    ]
    for number in (*numbers["keys"], numbers["uring"]):
        program += [struct.pack("<HBBI", 0x15, 0, 1, number), refuse]
    if families:
        program += [
            struct.pack("<HBBI", 0x15, 0, 1 + 2 * len(families), numbers["socket"]),
            struct.pack("<HBBI", 0x20, 0, 0, 16),
        ]
        for family in families:
            program += [struct.pack("<HBBI", 0x15, 0, 1, family), refuse]
    program.append(accept)
    code = ctypes.create_string_buffer(b"".join(program))
    filter_ = struct.pack("@HP", len(program), ctypes.addressof(code))
    libc = _libc()
    _check(libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _check(libc.prctl(_SET_SECCOMP, _SECCOMP_FILTER, filter_, 0, 0), "seccomp")

"""System calls that a child is refused: the kernel's keyrings, which no namespace and no mount keeps apart.

A session's processes share the user's and often the session's keyring with everything else of the user's: Kerberos
tickets, encryption keys, cached passphrases. So ``add_key``, ``request_key`` and ``keyctl`` do not exist inside
(ENOSYS). The filter is a classic BPF program, as bubblewrap's ``--seccomp`` takes it (seccomp(2)).
"""

import os
import struct

_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_AT_NUMBER, _AT_ARCHITECTURE = 0, 4
_ALLOW, _ERRNO_ENOSYS = 0x7FFF0000, 0x00050000 | 38
_X32 = 0x40000000

REFUSED: dict[int, tuple[int, ...]] = {
    0xC000003E: (248, 249, 250, 248 | _X32, 249 | _X32, 250 | _X32),  # x86_64, and x32 in it
    0x40000003: (286, 287, 288),  # i386
    0xC00000B7: (217, 218, 219),  # aarch64
    0x40000028: (309, 310, 311),  # arm
    0xC00000F3: (217, 218, 219),  # riscv64
    0xC0000015: (269, 270, 271),  # ppc64le
    0x80000016: (278, 279, 280),  # s390x
}
"""By the audit architecture: the numbers of add_key, request_key and keyctl (the kernel's system call tables)."""


def program() -> bytes:
    """For each architecture its numbers; any other call is allowed."""
    code = [(_LOAD, 0, 0, _AT_ARCHITECTURE)]
    for architecture, numbers in REFUSED.items():
        size = 1 + len(numbers) * 2 + 1
        code.append((_JUMP_EQUAL, 0, size, architecture))
        code.append((_LOAD, 0, 0, _AT_NUMBER))
        for number in numbers:
            code += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO_ENOSYS)]
        code.append((_RETURN, 0, 0, _ALLOW))
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *one) for one in code)


def opened() -> int:
    """A descriptor that bubblewrap reads the filter from; the caller closes it. Raises OSError."""
    fd = os.memfd_create("calls", os.MFD_CLOEXEC)
    os.write(fd, program())
    os.lseek(fd, 0, os.SEEK_SET)
    return fd

"""What a decoder child gives up, without needing root: memory, CPU, files, processes, the network. Linux only.

Two steps: `confine` at the start, `seal` when all is imported and warmed up. After `seal` the kernel answers EPERM to
every system call that is not in the table: no file can be opened, no socket made, no process started, no one signalled.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
from pathlib import Path

from workers.decoder.buffers import BUFFERS
from workers.decoder.limits import DecoderLimits

_PR_SET_PDEATHSIG = 1  # this and the next from linux/prctl.h
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2  # linux/seccomp.h
_SECCOMP_RET_ALLOW = 0x7FFF0000
_SECCOMP_RET_EPERM = 0x00050001
_SECCOMP_RET_KILL = 0x80000000
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
_X32_FIRST = 0x40000000  # the second ABI of x86_64: refused whole
_DESCRIPTORS_MAX = 64
_OOM_SCORE_ADJ = 800  # where memory runs out the kernel ends a decoder, not the worker

# Name: number on x86_64 (arch/x86/entry/syscalls/syscall_64.tbl), on aarch64 (include/uapi/asm-generic/unistd.h);
# None where that machine has no such call.
_ALLOWED: dict[str, tuple[int, int | None]] = {
    # its socket
    "read": (0, 63),
    "write": (1, 64),
    "writev": (20, 66),
    "lseek": (8, 62),
    "close": (3, 57),
    "fcntl": (72, 25),
    "fstat": (5, 80),
    "newfstatat": (262, 79),  # glibc's fstat
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "poll": (7, None),
    "ppoll": (271, 73),
    # memory
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "membarrier": (324, 283),
    # itself, time and chance
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "setitimer": (38, 103),
    "getitimer": (36, 102),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getrusage": (98, 165),
    "times": (100, 153),
    "sysinfo": (99, 179),
    "getcpu": (309, 168),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "futex": (202, 98),
    "rseq": (334, 293),
    "time": (201, None),
    "gettimeofday": (96, 169),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "getrandom": (318, 278),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH of linux/audit.h


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def confine(limits: DecoderLimits) -> None:
    """Give up what is not needed even to start. Dies with the parent from here on."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    os.chdir("/")
    os.umask(0o777)
    Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE_ADJ), "ascii")
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, limits.address_space_bytes_max + BUFFERS * limits.frames_bytes_max),
        (resource.RLIMIT_CPU, limits.cpu_s_max),
        (resource.RLIMIT_FSIZE, 0),  # its buffers are mapped
        (resource.RLIMIT_NOFILE, _DESCRIPTORS_MAX),
        (resource.RLIMIT_NPROC, 0),  # root is exempt; the filter is not
    ):
        _lower(kind, value)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # `setitimer` ends the process without asking Python
    _prctl(_PR_SET_DUMPABLE, 0)  # no core, no debugger of the same user


def seal() -> bool:
    """Filter system calls. False where the machine is neither x86_64 nor aarch64: the rest holds there, too."""
    found = _MACHINES.get(platform.machine())
    if found is None:
        return False
    column, architecture = found
    numbers = sorted(number for row in _ALLOWED.values() if (number := row[column]) is not None)
    program = _filter_of(numbers, architecture)
    instructions = b"".join(program)
    wrapped = _Program(length=len(program), instructions=instructions)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(wrapped))
    return True


def _filter_of(numbers: list[int], architecture: int) -> list[bytes]:
    """A classic BPF program: another architecture dies, a number of the list passes, every other one gets EPERM."""
    tail = [_step(_RETURN, _SECCOMP_RET_EPERM), _step(_RETURN, _SECCOMP_RET_ALLOW), _step(_RETURN, _SECCOMP_RET_KILL)]
    tests = [
        _step(_IF_EQUAL, number, yes=len(numbers) - index)  # over the tests left and the EPERM, to ALLOW
        for index, number in enumerate(numbers)
    ]
    head = [
        _step(_LOAD, 4),  # seccomp_data.arch
        _step(_IF_EQUAL, architecture, no=len(tests) + 4),  # to KILL
        _step(_LOAD, 0),  # seccomp_data.nr
        _step(_IF_AT_LEAST, _X32_FIRST, yes=len(tests) + 2),
    ]
    return head + tests + tail


def _step(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _lower(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (bound, bound))


def _prctl(option: int, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    padded = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
    padded += [ctypes.c_ulong(0)] * (4 - len(padded))
    if libc.prctl(ctypes.c_int(option), *padded) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")

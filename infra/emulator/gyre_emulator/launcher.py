"""The first lines of each function process: bind its life to the emulator's, then run AWS's runtime client.

Called as `python -P launcher.py PARENT_PID HANDLER` in the functions' interpreter. It binds itself because the emulator
has hundreds of threads, where code between fork and exec (a preexec_fn) may deadlock.
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1


def bind_to(parent: int) -> None:
    """The kernel kills this process when the thread that started it ends, however that happens."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before it could be bound to
        os._exit(1)


def main() -> None:
    parent, handler = int(sys.argv[1]), sys.argv[2]
    if sys.platform == "linux":
        bind_to(parent)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("500")  # when memory runs out, the functions go before the emulator and the user's programs
    from awslambdaric.__main__ import main as run_runtime_client

    run_runtime_client(["awslambdaric", handler])


if __name__ == "__main__":
    main()

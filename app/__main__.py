"""The console command `schliff`; the same program serves as a worker or as a helper where there is no `python -m`."""

from __future__ import annotations

import sys


def main() -> int:
    from core.decoding import DECODER_ARGUMENT
    from core.worker import WORKER_ARGUMENT

    if sys.argv[1:2] == [DECODER_ARGUMENT]:
        from core.decoding.child import main as decode

        return decode()
    if sys.argv[1:2] == [WORKER_ARGUMENT]:
        from core.worker.child import main as serve

        return serve()
    from app.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())

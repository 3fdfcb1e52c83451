"""`python -m core.worker`: a worker process. It speaks JSON with whoever started it and is of no use by hand."""

from __future__ import annotations

import sys

from core.worker.child import main

if __name__ == "__main__":
    sys.exit(main())

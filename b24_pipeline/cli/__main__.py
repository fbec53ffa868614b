"""`python -m b24_pipeline.cli`: the same as `b24-pipeline`, wherever that is installed."""

import sys

from b24_pipeline.cli import main

sys.exit(main())

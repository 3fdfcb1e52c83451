"""Sample sections with known truth, for the demo, the tests and the benchmarks."""

from core.synthetic.planting import Truth
from core.synthetic.sample import Kind, SampleSection, default_defects, defect_classes, make_sample
from core.synthetic.write import truth_path, write_sample

__all__ = [
    "Kind",
    "SampleSection",
    "Truth",
    "default_defects",
    "defect_classes",
    "make_sample",
    "truth_path",
    "write_sample",
]

"""Take → performance: head motion and expression, apart."""

from mien.separation.door import separate as separate
from mien.separation.method import methods as methods

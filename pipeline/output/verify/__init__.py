"""An output folder → the list of what is wrong with it, from the files alone.

Enters: an output folder that some job wrote. Leaves: a ``Verdict``. What holds: nothing is taken
from the code that publishes or reconciles; JSON is parsed, files are read and counts are made again
here, so that a fault there shows here. The corpus is looked at only where record ids repeat.

==============  ============================================
``claims``      what a commit record says
``unit_files``  what its files hold, and where they differ
``repeats``     ids that stand more than once, looked up in the corpus
``folder``      what that makes in all
==============  ============================================
"""

from pipeline.output.verify.claims import Problem
from pipeline.output.verify.folder import Verdict, verify
from pipeline.output.verify.repeats import Repeats

__all__ = ["Problem", "Repeats", "Verdict", "verify"]

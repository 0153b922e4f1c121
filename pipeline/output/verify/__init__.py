"""An output folder → the list of what is wrong with it, from the files alone.

Nothing is shared with the code that publishes or reconciles, so that a fault there shows here. The
corpus is read only where record ids repeat.

==============  ============================================
``claims``      commit records, parsed from their JSON
``unit_files``  the files that they name, counted again
``repeats``     repeated ids, looked up in the corpus
``folder``      the output as a whole
==============  ============================================
"""

from pipeline.output.verify.claims import Problem
from pipeline.output.verify.folder import Verdict, verify
from pipeline.output.verify.repeats import Repeats

__all__ = ["Problem", "Repeats", "Verdict", "verify"]

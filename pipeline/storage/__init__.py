"""Files on a local disk, S3 or GCS: create-only writes, fresh listings, one family of errors.

Enters: a path, ``file://``, ``s3://`` or ``gs://``. Leaves: a ``Store`` for the output; for the
input, ``SourceFile``s and open files. What holds: ``Store.create`` never writes over what is there,
and writes all or nothing; listings are never cached; credentials come from the backend's own
provider chain and are in no message; a backend's failure leaves as InputError or OutputError.

A transient failure is retried by the backend's library, a bounded number of times. A create whose
answer was lost may therefore say "already there" of its own bytes: whoever creates looks at what
is there.

===========  ===================================================================================
``store``    the output folder
``inputs``   the corpus; ``tail`` the end of a file, with its footer
``local``    whole files on a local disk
``backend``  URI → filesystem; what it raises → this package's errors
===========  ===================================================================================
"""

from pipeline.storage.backend import canonical
from pipeline.storage.inputs import input_files, open_input
from pipeline.storage.store import Store
from pipeline.storage.tail import TAIL_BYTES, read_tail

__all__ = ["TAIL_BYTES", "Store", "canonical", "input_files", "open_input", "read_tail"]

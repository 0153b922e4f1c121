"""Files on a local disk, S3 or GCS: create-only writes, uncached listings, one family of errors.

``Store.create`` never overwrites, and writes all or nothing. Credentials come from the backend's
own provider chain and appear in no message; a backend's failure becomes an InputError or
OutputError. Transient failures are retried by the backend's library, a bounded number of times. A
create whose response was lost may therefore report that its own bytes are already there, so whoever
creates checks what it finds.

=============  =================================================================================
``store``      the output folder
``inputs``     the corpus; ``tail`` reads the end of a file, with its footer
``pattern``    which files a folder or a glob names, and how many others are there
``listing``    what is below a folder: no error is taken for "nothing there"
``local``      whole files on a local disk
``contained``  files of an output on a local disk, within bounds
``backend``    URI → filesystem; its exceptions → this package's errors
=============  =================================================================================
"""

from pipeline.storage.backend import canonical
from pipeline.storage.inputs import (
    InputListing,
    input_file,
    input_files,
    list_input,
    open_input,
    summary,
)
from pipeline.storage.store import Store
from pipeline.storage.tail import TAIL_BYTES, read_tail

__all__ = [
    "TAIL_BYTES",
    "InputListing",
    "Store",
    "canonical",
    "input_file",
    "input_files",
    "list_input",
    "open_input",
    "read_tail",
    "summary",
]

"""A finished output → ``report.html``, one file that opens offline.

Enters: an output folder. Leaves: ``report.html`` beside its results. What holds: texts of records
are shown only on request, and bounded; what a record holds is escaped; the page fetches nothing.

============  ==============================================================
``output``    the output's files; rows read from them within ``limits``
``columns``   which columns of a part the page can show
``counted``   rows → counts by language
``speeds``    commit records → tokens/s by language, slowest units
``sample``    rows → records to read; ``shown`` is one record
``pointmap``  embeddings → points of a map
``sections``  an output → everything that the template draws
``page``      that → HTML, by ``template.html``, ``page.css`` and ``page.js``
============  ==============================================================
"""

from pipeline.reporting.page.limits import PageLimits
from pipeline.reporting.page.page import try_write_page, write_page

__all__ = ["PageLimits", "try_write_page", "write_page"]

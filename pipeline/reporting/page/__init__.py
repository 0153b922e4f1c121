"""A finished output → ``report.html``, one file that opens offline.

Enters: an output folder. Leaves: a page that says what ran, on what, how fast, and what came of it,
with a sample of records. What holds: text of records is in it only where it is asked for, and then
bounded; whatever a record holds is shown and never run; nothing is fetched.

=================  =======================================================================
``limits``         how much of an output the page shows
``output``         what stands in the folder, and how its rows are read
``known_columns``  which of a part's columns the page knows what to do with
``counted``        columns → counts by language
``speeds``         commit records → tokens/s by language, and the units that took longest
``sample``         rows → records to read, as many of each language as can be; ``shown`` is one
``marks``          a text and what was found in it → pieces, marked or not
``pointmap``       vectors → points; ``map_layers`` what they are coloured by
``figures``        numbers → bars, shares and shades
``facts``          what ran
``language_rows``  what is said of each language
``sections``       an output → the parts of the page
``render``         those → HTML, by ``template.html``, ``page.css`` and ``page.js``
``page``           all of it, written to the output
=================  =======================================================================
"""

from pipeline.reporting.page.limits import PageLimits
from pipeline.reporting.page.page import try_write_page, write_page

__all__ = ["PageLimits", "try_write_page", "write_page"]

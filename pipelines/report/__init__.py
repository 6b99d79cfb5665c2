"""The analyst's morning: the day's worklist as a page, a spreadsheet and a CSV file.

`report` reads one recorded run and what the ledger knew that morning, never a later fact, and writes
`out/reports/run_date=D/`. The page is data and a script that shows it: `payload` says what the data hold.
"""

from riskscore.pipelines.report.run import Report, report

__all__ = ["Report", "report"]

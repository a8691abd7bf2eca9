"""The table of faults at the end of a test run, also where several processes have run the tests."""


def pytest_terminal_summary(terminalreporter) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    rows = [tuple(value) for report in reports for key, value in report.user_properties if key == "fault"]
    if not rows or hasattr(terminalreporter, "faults_shown"):
        return
    terminalreporter.faults_shown = True
    table = [("fault", "outcome", "sent again", "sent / size"), *dict.fromkeys(rows)]
    widths = [max(len(cells[column]) for cells in table) for column in range(4)]
    terminalreporter.section("faults of a transfer")
    for cells in table:
        terminalreporter.write_line("  ".join(map(str.ljust, cells, widths)).rstrip())

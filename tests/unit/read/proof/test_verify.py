from headrace.read.proof.findings import Level, Verdict


def test_a_sound_table_passes_with_its_numbers(table):
    report = table.verify()
    assert report.findings == ()
    assert [p.findings for p in report.partitions] == [(), ()]
    assert report.verdict is Verdict.PASS
    assert report.levels == (Level.LOG, Level.FILES, Level.LEDGER)

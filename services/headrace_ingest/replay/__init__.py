"""The replay: quarantined records that today's contract accepts become rows, each exactly once."""

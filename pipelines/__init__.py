"""The jobs: ingest, train, backtest, score a day, report."""

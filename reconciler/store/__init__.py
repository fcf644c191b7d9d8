"""Runs, ledger, audit, memory and the lock: SQLite by default, PostgreSQL where several machines share it."""

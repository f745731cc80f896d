"""One method a file; `config.method_table` has a row for each."""

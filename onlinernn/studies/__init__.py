"""Studies: lists of independent trials, kept one by one in a SQLite file, and the paper's figures made of them."""

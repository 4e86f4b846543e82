"""The command line: options become a job, events become progress and messages, errors become `error:` and `hint:`. The only
room that prints, and the only one that ends the program.
"""

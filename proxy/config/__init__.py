"""Configuration: the file, the environment and the defaults become one frozen tree. Nothing looks it up at run time."""

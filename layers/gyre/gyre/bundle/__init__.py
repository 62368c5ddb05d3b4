"""What training compiles and serving reads: a model as a graph and arrays, with nothing pickled."""

"""What NannyML and tests of chance say of two sides."""

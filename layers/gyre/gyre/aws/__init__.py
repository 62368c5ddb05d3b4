"""The adapters: the only code that imports boto3 and deltalake. Entry points alone import from here."""

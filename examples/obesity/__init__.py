"""Seven weight classes from sixteen answers about body and habits."""

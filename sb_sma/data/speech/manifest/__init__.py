"""Lists of recordings and texts, whatever their form."""

"""The Azure blob container behind the SAS URLs, as a storage client sees it."""

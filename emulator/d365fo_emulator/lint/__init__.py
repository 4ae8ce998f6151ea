"""Checking data packages without a server: what the service would do with each, and the remedy."""

"""The token service (Microsoft Entra ID v1 and v2) and the check of its tokens."""

"""The values that flow through the house: frozen, checked, sharing memory."""

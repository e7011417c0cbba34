"""The typst templates, as package data; each reads its figures from `data.json` beside it."""

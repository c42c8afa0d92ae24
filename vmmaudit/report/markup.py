def fragment(d): return ""

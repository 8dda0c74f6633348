"""Which calls are equal, and what was answered to them. Knows no connections and no Spark."""

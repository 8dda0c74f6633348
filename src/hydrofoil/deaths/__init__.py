"""Why a worker died: what a daemon keeps of each worker, and what it says when one has ended."""

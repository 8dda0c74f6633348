"""A rank's part of the data: staged by the driver, spooled and fed to the user by the rank.

In the order in which data flows: `staging` (driver), `columns` (Arrow to what is spooled), `spool`,
`feed` (Spark's batches into the spool), `rows` (views and gathers), `order` and `steps` (which rows
when), `forms` and `loaders` (what the user gets), `reader` (``ctx.data``). `peers` and `exchange`
connect ranks. For runs that go on: `identity` and `stable` (which row is which), `permutation`,
`canonical` and `deals` (batches of all ranks), `position` and `resuming` (where the consumer is).
"""

-- Of a state's index: how many ledger entries are in that state, so that older batches may go.
ALTER TABLE copy_objects ADD COLUMN ledger_size INTEGER CHECK (ledger_size >= 0);

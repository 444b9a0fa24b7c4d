-- What lockstitch.sql=1 runs. It may run again on a disk that kept its changes.
SET client_min_messages = warning;
DROP TABLE IF EXISTS lockstitch_check;
CREATE TABLE lockstitch_check (n integer PRIMARY KEY, t text NOT NULL);
INSERT INTO lockstitch_check SELECT i, md5(i::text) FROM generate_series(1, 1000) AS i;
SELECT format('LOCKSTITCH-SQL-OK rows=%s sum=%s', count(*), sum(n)) FROM lockstitch_check;

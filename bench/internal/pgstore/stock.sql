-- serve gives units that nobody is promised to those who wait, first in, first out, and returns how many. The
-- caller holds the SKU's lock.
CREATE FUNCTION serve(p_stock bigint, p_item bigint, p_time timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  spare bigint; given bigint := 0; units_now bigint; waiting record;
BEGIN
  SELECT least(i.on_hand - (i.reserved - i.queued), i.queued) INTO spare FROM item i WHERE i.id = p_item;
  IF spare <= 0 THEN RETURN 0; END IF;
  FOR waiting IN SELECT * FROM queue w WHERE w.item = p_item ORDER BY w.position LOOP
    EXIT WHEN given = spare;
    units_now := least(spare - given, waiting.units);
    given := given + units_now;
    IF units_now = waiting.units THEN
      DELETE FROM queue w WHERE w.item = p_item AND w.position = waiting.position;
    ELSE
      UPDATE queue w SET units = waiting.units - units_now
      WHERE w.item = p_item AND w.position = waiting.position;
    END IF;
    INSERT INTO journal (stock, time, type, subject, lines)
    VALUES (p_stock, p_time, 10, waiting.reservation, ARRAY[p_item, waiting.line, units_now]);
  END LOOP;
  UPDATE item SET queued = queued - given WHERE id = p_item;
  RETURN given;
END $$;

-- restock adds units that arrived, creates SKUs that are new and fills who waits. p_skus are in the order of
-- their bytes, each once; lines name them by their place. It returns on hand, available, filled and backordered
-- of each line, or NULL where the request id was used with other content.
CREATE FUNCTION restock(
  p_stock bigint, p_request text, p_fingerprint text, p_skus text[], p_line_skus integer[],
  p_quantities bigint[], OUT answer bigint[], OUT replayed boolean
) LANGUAGE plpgsql AS $$
DECLARE
  at_time timestamptz; before request; ids bigint[] := '{}'; it item; filled bigint; waiting bigint;
BEGIN
  SELECT * INTO before FROM request o WHERE o.stock = p_stock AND o.id = p_request;
  IF FOUND THEN
    replayed := true;
    answer := CASE WHEN before.fingerprint = p_fingerprint THEN before.answer END;
    RETURN;
  END IF;
  replayed := false;
  INSERT INTO item (stock, sku) SELECT p_stock, s FROM unnest(p_skus) AS s ON CONFLICT DO NOTHING;
  FOR it IN SELECT * FROM item i WHERE i.stock = p_stock AND i.sku = ANY (p_skus)
    ORDER BY i.sku FOR NO KEY UPDATE
  LOOP
    ids := ids || it.id;
  END LOOP;
  at_time := date_trunc('milliseconds', clock_timestamp());
  answer := '{}';
  FOR i IN 1 .. cardinality(p_line_skus) LOOP
    UPDATE item SET on_hand = on_hand + p_quantities[i] WHERE id = ids[p_line_skus[i]]
    RETURNING queued INTO waiting;
    filled := CASE WHEN waiting > 0 THEN serve(p_stock, ids[p_line_skus[i]], at_time) ELSE 0 END;
    SELECT * INTO it FROM item WHERE id = ids[p_line_skus[i]];
    answer := answer || ARRAY[it.on_hand, it.on_hand - it.reserved, filled, it.queued];
  END LOOP;
  INSERT INTO request (stock, id, fingerprint, answer) VALUES (p_stock, p_request, p_fingerprint, answer);
  INSERT INTO journal (stock, time, type, subject, lines)
  VALUES (p_stock, at_time, 7, p_request, answer);
END $$;

-- reclaim ends holds that are due, oldest first, at most p_most, and returns how many. Others that do the same
-- at the same time take others.
CREATE FUNCTION reclaim(p_stock bigint, p_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  at_time timestamptz := date_trunc('milliseconds', clock_timestamp());
  due record; ended integer := 0; ids text[] := '{}'; items bigint[] := '{}'; one bigint; waiting bigint;
BEGIN
  FOR due IN
    SELECT o.id, o.lines FROM reservation o
    WHERE o.stock = p_stock AND o.state = 1 AND o.expires <= at_time
    ORDER BY o.expires LIMIT p_most FOR UPDATE SKIP LOCKED
  LOOP
    ids := ids || due.id;
    FOR i IN 1 .. cardinality(due.lines) / 6 LOOP
      items := items || due.lines[i * 6 - 5];
    END LOOP;
  END LOOP;
  PERFORM 1 FROM item WHERE id = ANY (items) ORDER BY sku FOR NO KEY UPDATE;
  FOR due IN SELECT o.id, o.lines FROM reservation o WHERE o.stock = p_stock AND o.id = ANY (ids) LOOP
    FOR i IN 1 .. cardinality(due.lines) / 6 LOOP
      CONTINUE WHEN due.lines[i * 6] % 2 = 0;
      DELETE FROM queue w WHERE w.item = due.lines[i * 6 - 5] AND w.reservation = due.id AND w.line = i
      RETURNING w.units INTO waiting;
      UPDATE item SET reserved = reserved - due.lines[i * 6 - 3], queued = queued - coalesce(waiting, 0)
      WHERE id = due.lines[i * 6 - 5];
    END LOOP;
    UPDATE reservation SET state = 5 WHERE stock = p_stock AND id = due.id;
    INSERT INTO journal (stock, time, type, subject, lines) VALUES (p_stock, at_time, 5, due.id, due.lines);
    ended := ended + 1;
  END LOOP;
  FOR one IN SELECT i.id FROM item i WHERE i.id = ANY (items) AND i.queued > 0 ORDER BY i.sku LOOP
    PERFORM serve(p_stock, one, at_time);
  END LOOP;
  RETURN ended;
END $$;

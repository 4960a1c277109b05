-- reserve_one is reserve for one request of different SKUs, in few steps: PL/pgSQL prepares every expression anew
-- for each transaction, and those of reserve cost more than all that a common order asks of the tables. It
-- grants what is there in full and without an event beside it, and leaves every other case to reserve. The
-- lines are in the order of their SKUs' bytes; p_places are their numbers in the request, from 1.
CREATE FUNCTION reserve_one(
  p_stock bigint, p_not_after timestamptz, p_id text, p_fingerprint text, p_ttl bigint, p_partial boolean,
  p_skus text[], p_quantities bigint[], p_places integer[],
  OUT code integer, OUT sequence bigint, OUT created timestamptz, OUT expires timestamptz,
  OUT state smallint, OUT lines bigint[]
) RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  common boolean; asked_places integer[]; asked_quantities bigint[];
BEGIN
  SELECT coalesce(bool_and(d.common), false) AND count(*) = 6 * cardinality(p_skus)
      AND NOT EXISTS (SELECT 1 FROM reservation o WHERE o.stock = p_stock AND o.id = p_id)
      AND clock_timestamp() <= p_not_after,
    array_agg(f.figure ORDER BY d.place, f.at), nextval('journal_sequence_seq'),
    date_trunc('milliseconds', clock_timestamp())
  INTO common, lines, sequence, created
  FROM (
    SELECT i.id, a.place, a.quantity, i.on_hand - i.reserved - a.quantity AS left_over,
      coalesce(i.sellable, s.sellable, true) AND coalesce(i.tracked, s.tracked, true)
      AND a.quantity >= coalesce(i.min_quantity, s.min_quantity, 1)
      AND a.quantity <= coalesce(i.max_quantity, s.max_quantity, a.quantity)
      AND a.quantity % coalesce(i.quantity_increment, s.quantity_increment, 1) = 0
      AND i.on_hand - i.reserved - a.quantity > greatest(0, coalesce(i.safety_stock, s.safety_stock, 0),
        coalesce(i.low_stock_threshold, s.low_stock_threshold, 0)) AS common
    FROM stock s
    CROSS JOIN (
      SELECT * FROM item o WHERE o.stock = p_stock AND o.sku = ANY (p_skus)
      ORDER BY o.sku FOR NO KEY UPDATE
    ) i
    JOIN unnest(p_skus, p_quantities, p_places) AS a (sku, quantity, place) ON a.sku = i.sku
    WHERE s.id = p_stock
  ) d
  CROSS JOIN LATERAL unnest(ARRAY[d.id, d.quantity, d.quantity, 0, d.left_over, 1]) WITH ORDINALITY
    AS f (figure, at);
  IF NOT common THEN
    SELECT array_agg(q.n ORDER BY q.place), array_agg(q.quantity ORDER BY q.place)
    INTO asked_places, asked_quantities
    FROM unnest(p_quantities, p_places) WITH ORDINALITY AS q (quantity, place, n);
    RETURN QUERY SELECT * FROM reserve(p_stock, p_not_after, ARRAY[p_id], ARRAY[p_fingerprint], ARRAY[p_ttl],
      ARRAY[p_partial], ARRAY[cardinality(p_skus)], p_skus, asked_places, asked_quantities);
    RETURN;
  END IF;
  code := 0;
  IF p_ttl > 0 THEN
    state := 1;
    expires := created + p_ttl * interval '1 millisecond';
  ELSE
    state := 2;
  END IF;
  WITH moved AS (
    UPDATE item SET reserved = item.reserved + a.quantity
    FROM unnest(p_skus, p_quantities) AS a (sku, quantity)
    WHERE item.stock = p_stock AND item.sku = a.sku
  ), made AS (
    INSERT INTO reservation (stock, id, state, fingerprint, sequence, created, expires, lines)
    VALUES (p_stock, p_id, reserve_one.state, p_fingerprint, reserve_one.sequence, reserve_one.created,
      reserve_one.expires, reserve_one.lines)
  )
  INSERT INTO journal (sequence, stock, time, type, subject, lines) OVERRIDING SYSTEM VALUE
  VALUES (reserve_one.sequence, p_stock, reserve_one.created, 1, p_id, reserve_one.lines);
  RETURN NEXT;
END $$;

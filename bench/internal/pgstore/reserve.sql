-- reserve decides requests in their order, each seeing what the accepted ones before it took, and writes
-- once. p_skus are all SKUs that are named, each once, in the order of their bytes; the lines of all requests
-- follow each other and name their SKU by its place there. Answers, one a request:
--   code 0 OK, 1 REPLAYED: sequence, created, expires, state now, lines as in the table
--   code 2 TOO_LATE, 3 DUE (holds are due and it would matter), 4 REUSED
--   code 5 UNKNOWN: lines has the places of the SKUs
--   code 6 REFUSED: lines has per refused line its number from 1, orderable (-1: unlimited), reason
CREATE FUNCTION reserve(
  p_stock bigint, p_not_after timestamptz, p_ids text[], p_fingerprints text[], p_ttls bigint[],
  p_partial boolean[], p_counts integer[], p_skus text[], p_line_skus integer[], p_quantities bigint[],
  OUT code integer, OUT sequence bigint, OUT created timestamptz, OUT expires timestamptz,
  OUT state smallint, OUT lines bigint[]
) RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  r record;
  n_skus CONSTANT integer := cardinality(p_skus);
  n_requests CONSTANT integer := cardinality(p_ids);
  at_time timestamptz;
  item_ids bigint[] := array_fill(0::bigint, ARRAY[n_skus]);
  on_hand bigint[] := item_ids;
  available bigint[] := item_ids;
  available_before bigint[];
  queued bigint[] := item_ids;
  tail bigint[] := item_ids;
  floor_of bigint[] := item_ids; -- NULL: none
  mode bigint[] := item_ids;
  safety bigint[] := item_ids;
  low bigint[] := item_ids;
  least_of bigint[] := item_ids;
  most_of bigint[] := item_ids;
  step_of bigint[] := item_ids;
  sellable boolean[] := array_fill(false, ARRAY[n_skus]);
  tracked boolean[] := sellable;
  known boolean[] := array_fill(false, ARRAY[n_requests]);
  line_at integer := 0;   -- lines of the requests before
  k integer := 0;
  q bigint; g bigint; b bigint; before bigint; reason integer; orderable bigint; taken bigint;
  refused bigint[]; unknown bigint[]; mine bigint[]; granted_any boolean; worse boolean;
  -- of the granted ones:
  n_granted integer := 0;
  new_ids text[] := '{}'; new_fingerprints text[] := '{}'; new_expires timestamptz[] := '{}';
  new_sequences bigint[] := '{}'; new_from integer[] := '{}'; new_to integer[] := '{}';
  new_lines bigint[] := '{}'; new_lines_at integer := 0;
  -- of their lines that wait:
  wait_items bigint[]; wait_positions bigint[]; wait_ids text[]; wait_lines integer[]; wait_units bigint[];
  waits boolean := false;
  crossed boolean;
BEGIN
  -- read and lock
  FOR r IN
    SELECT i.id, i.sku, i.on_hand, i.reserved, i.queued, i.tail,
      coalesce(i.backorder_mode, s.backorder_mode, 1) AS mode,
      nullif(coalesce(i.backorder_limit, s.backorder_limit), 1000000000000) AS most_backordered,
      coalesce(i.safety_stock, s.safety_stock, 0) AS safety,
      coalesce(i.low_stock_threshold, s.low_stock_threshold) AS low,
      coalesce(i.min_quantity, s.min_quantity, 1) AS least_of,
      coalesce(i.max_quantity, s.max_quantity) AS most_of,
      coalesce(i.quantity_increment, s.quantity_increment, 1) AS step_of,
      coalesce(i.sellable, s.sellable, true) AS sellable,
      coalesce(i.tracked, s.tracked, true) AS tracked
    FROM stock s JOIN item i ON i.stock = s.id
    WHERE s.id = p_stock AND i.sku = ANY (p_skus)
    ORDER BY i.sku FOR NO KEY UPDATE OF i
  LOOP
    LOOP k := k + 1; EXIT WHEN p_skus[k] = r.sku; END LOOP;
    item_ids[k] := r.id; on_hand[k] := r.on_hand; available[k] := r.on_hand - r.reserved;
    queued[k] := r.queued; tail[k] := r.tail; mode[k] := r.mode; safety[k] := r.safety; low[k] := r.low;
    floor_of[k] := CASE WHEN r.mode = 1 THEN r.safety ELSE -r.most_backordered END;
    least_of[k] := r.least_of; most_of[k] := r.most_of; step_of[k] := r.step_of;
    sellable[k] := r.sellable; tracked[k] := r.tracked;
  END LOOP;
  available_before := available;
  at_time := date_trunc('milliseconds', clock_timestamp());

  -- replay
  FOR r IN
    SELECT asked.n, known_one.* FROM unnest(p_ids) WITH ORDINALITY AS asked (id, n)
    JOIN reservation known_one ON known_one.stock = p_stock AND known_one.id = asked.id
  LOOP
    known[r.n] := true;
  END LOOP;

  FOR n IN 1 .. n_requests LOOP
    sequence := NULL; created := at_time; expires := NULL; state := NULL; lines := NULL;
    IF at_time > p_not_after THEN
      code := 2;
    ELSIF known[n] THEN
      SELECT CASE WHEN o.fingerprint = p_fingerprints[n] THEN 1 ELSE 4 END, o.sequence, o.created, o.expires,
        CASE WHEN o.state = 1 AND o.expires <= at_time THEN 5 ELSE o.state END, o.lines
      INTO code, sequence, created, expires, state, lines
      FROM reservation o WHERE o.stock = p_stock AND o.id = p_ids[n];
    ELSE
      -- decide
      mine := '{}'; refused := NULL; unknown := NULL; granted_any := false; worse := false;
      FOR i IN line_at + 1 .. line_at + p_counts[n] LOOP
        k := p_line_skus[i]; q := p_quantities[i];
        IF item_ids[k] = 0 THEN
          unknown := unknown || k::bigint;
          CONTINUE;
        END IF;
        before := available[k]; reason := 0; orderable := -1; g := q; b := 0;
        IF NOT sellable[k] THEN reason := 1; g := 0;
        ELSIF q < least_of[k] THEN reason := 2; g := 0;
        ELSIF q > most_of[k] THEN reason := 3; g := 0;
        ELSIF q % step_of[k] <> 0 THEN reason := 4; g := 0;
        ELSIF tracked[k] AND before - q < floor_of[k] THEN
          reason := CASE WHEN mode[k] = 1 THEN 6 ELSE 5 END;
          g := 0;
          IF p_partial[n] THEN
            g := greatest(0, before - floor_of[k]);
            g := g - g % step_of[k];
            IF g < least_of[k] THEN g := 0; END IF;
          END IF;
        END IF;
        IF reason > 0 THEN
          worse := true;
          orderable := CASE WHEN NOT sellable[k] THEN 0
            WHEN NOT tracked[k] OR floor_of[k] IS NULL THEN -1
            ELSE greatest(0, before - floor_of[k]) END;
          refused := refused || ARRAY[i - line_at, orderable, reason];
        END IF;
        IF g > 0 THEN
          granted_any := true;
          IF tracked[k] THEN
            IF mode[k] <> 1 AND before < g THEN
              b := g - greatest(before, 0);
              worse := true;
            END IF;
            available[k] := before - g;
            queued[k] := queued[k] + b;
          END IF;
        END IF;
        mine := mine || ARRAY[item_ids[k], q, g, b, available[k], CASE WHEN NOT tracked[k] THEN 0
          WHEN b > 0 AND mode[k] = 3 THEN 3 ELSE 1 END
          + CASE WHEN reason = 0 THEN 0 ELSE 4 * reason + 32 * (orderable + 1) END];
      END LOOP;
      IF unknown IS NOT NULL THEN
        code := 5; lines := unknown;
      ELSIF worse AND EXISTS (SELECT 1 FROM reservation o
          WHERE o.stock = p_stock AND o.state = 1 AND o.expires <= at_time) THEN
        code := 3;
      ELSIF refused IS NOT NULL AND NOT (p_partial[n] AND granted_any) THEN
        code := 6; lines := refused;
      ELSE
        code := 0;
      END IF;
      IF code <> 0 THEN -- it takes nothing
        taken := 0;
        FOR i IN line_at + 1 .. line_at + p_counts[n] LOOP
          k := p_line_skus[i];
          IF item_ids[k] > 0 THEN
            taken := taken + 6;
            IF mine[taken] % 2 = 1 THEN
              available[k] := available[k] + mine[taken - 3];
              queued[k] := queued[k] - mine[taken - 2];
            END IF;
          END IF;
        END LOOP;
      ELSE
        sequence := nextval('journal_sequence_seq'); lines := mine; state := 2;
        IF p_ttls[n] > 0 THEN
          expires := at_time + p_ttls[n] * interval '1 millisecond'; state := 1;
        END IF;
        n_granted := n_granted + 1;
        new_ids[n_granted] := p_ids[n]; new_fingerprints[n_granted] := p_fingerprints[n];
        new_expires[n_granted] := expires; new_sequences[n_granted] := sequence;
        new_from[n_granted] := new_lines_at + 1;
        new_lines_at := new_lines_at + cardinality(mine);
        new_to[n_granted] := new_lines_at;
        new_lines := CASE WHEN n_granted = 1 THEN mine ELSE new_lines || mine END;
        IF worse THEN
          FOR i IN 1 .. p_counts[n] LOOP
            IF mine[i * 6 - 2] > 0 THEN
              waits := true;
              k := p_line_skus[line_at + i];
              tail[k] := tail[k] + 1;
              wait_items := wait_items || item_ids[k]; wait_positions := wait_positions || tail[k];
              wait_ids := wait_ids || p_ids[n]; wait_lines := wait_lines || i;
              wait_units := wait_units || mine[i * 6 - 2];
            END IF;
          END LOOP;
        END IF;
      END IF;
    END IF;
    line_at := line_at + p_counts[n];
    RETURN NEXT;
  END LOOP;

  -- write
  IF n_granted = 1 THEN
    WITH moved AS (
      UPDATE item SET reserved = u.reserved, queued = u.queued, tail = u.tail
      FROM (SELECT m.id, m.on_hand - m.available AS reserved, m.queued, m.tail
        FROM unnest(item_ids, on_hand, available, available_before, queued, tail)
          AS m (id, on_hand, available, before, queued, tail) WHERE m.available <> m.before) u
      WHERE item.id = u.id
    ), made AS (
      INSERT INTO reservation (stock, id, state, fingerprint, sequence, created, expires, lines)
      VALUES (p_stock, new_ids[1], CASE WHEN new_expires[1] IS NULL THEN 2 ELSE 1 END, new_fingerprints[1],
        new_sequences[1], at_time, new_expires[1], new_lines)
    )
    INSERT INTO journal (sequence, stock, time, type, subject, lines) OVERRIDING SYSTEM VALUE
    VALUES (new_sequences[1], p_stock, at_time, 1, new_ids[1], new_lines);
  ELSIF n_granted > 1 THEN
    WITH moved AS (
      UPDATE item SET reserved = u.reserved, queued = u.queued, tail = u.tail
      FROM (SELECT m.id, m.on_hand - m.available AS reserved, m.queued, m.tail
        FROM unnest(item_ids, on_hand, available, available_before, queued, tail)
          AS m (id, on_hand, available, before, queued, tail) WHERE m.available <> m.before) u
      WHERE item.id = u.id
    ), granted AS MATERIALIZED (
      SELECT m.id, m.fingerprint, m.expires, m.sequence, new_lines[m.from_at : m.to_at] AS lines
      FROM unnest(new_ids, new_fingerprints, new_expires, new_sequences, new_from, new_to)
        AS m (id, fingerprint, expires, sequence, from_at, to_at)
    ), made AS (
      INSERT INTO reservation (stock, id, state, fingerprint, sequence, created, expires, lines)
      SELECT p_stock, g.id, CASE WHEN g.expires IS NULL THEN 2 ELSE 1 END, g.fingerprint, g.sequence, at_time,
        g.expires, g.lines FROM granted g
    )
    INSERT INTO journal (sequence, stock, time, type, subject, lines) OVERRIDING SYSTEM VALUE
    SELECT g.sequence, p_stock, at_time, 1, g.id, g.lines FROM granted g;
  END IF;
  IF waits THEN
    INSERT INTO queue (item, position, reservation, line, units)
    SELECT * FROM unnest(wait_items, wait_positions, wait_ids, wait_lines, wait_units);
    INSERT INTO journal (stock, time, type, subject, lines)
    SELECT p_stock, at_time, 9, w.id, ARRAY[w.item, w.line, w.units]
    FROM unnest(wait_items, wait_lines, wait_units, wait_ids) AS w (item, line, units, id);
  END IF;

  -- thresholds
  IF n_granted > 0 THEN
    FOR i IN 1 .. n_skus LOOP
      before := available_before[i];
      IF before <> available[i] THEN
        IF before >= low[i] AND available[i] < low[i] THEN
          INSERT INTO journal (stock, time, type, subject, lines)
          VALUES (p_stock, at_time, 11, p_skus[i], ARRAY[available[i]]);
        END IF;
        taken := CASE WHEN mode[i] = 1 THEN safety[i] ELSE 0 END;
        IF before > taken AND available[i] <= taken THEN
          INSERT INTO journal (stock, time, type, subject, lines)
          VALUES (p_stock, at_time, 12, p_skus[i], ARRAY[available[i]]);
        END IF;
      END IF;
    END LOOP;
  END IF;
END $$;

-- question: Which categories do visitors buy, and for how much?
-- grain: one row for each category of which something was purchased, and one for purchases without category
-- reads: events
-- range: rows
-- order: revenue desc, category_code
-- column: category_code text: The category's name, levels joined by dots; null for products without one
-- column: revenue decimal currency: Prices of what was purchased, summed
-- column: purchases integer pieces: Purchases, each of one piece
-- column: buyers integer visitors: Visitors who purchased
-- column: share number ratio: Part of the revenue of all rows, 0 to 1; null where all of it is 0
-- cannot: It counts purchases that visitors' events tell of; they have no invoice, and need not sum to what transactions say.
-- cannot: A buyer of two categories counts in both, so buyers do not sum.
-- cannot: Levels of a category are not summed: apparel.shoes and apparel.shoes.keds are two rows.
select
  category_code,
  cast(sum(price) as decimal(38, 4)) as revenue,
  count(*) as purchases,
  count(distinct user_id) as buyers,
  round(cast(sum(price) as double) / nullif(cast(sum(sum(price)) over () as double), 0), 4) as share
from events
where event_type = 'purchase'
group by category_code

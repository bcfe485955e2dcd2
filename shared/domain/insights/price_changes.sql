-- question: Which products changed their price, and did they sell more or less of them then?
-- grain: one row for each change of a product's usual price
-- uses: products
-- range: rows
-- order: day desc, stock_code
-- column: stock_code text: Code of the product
-- column: description text: Its name, in the spelling on most lines
-- column: day date: First day on which it was sold at the new price
-- column: price_before decimal currency: Usual price before
-- column: price_after decimal currency: Usual price from that day on
-- column: change number percent: Of the price before; less than 0 is cheaper
-- column: pieces_before integer pieces: Sold in the 28 days before, at whatever price
-- column: pieces_after integer pieces: Sold in 28 days from that day on, at whatever price
-- column: days_before integer days: How many of the 28 days before are in the data asked for, closed days too
-- column: days_after integer days: The same for the 28 days from that day on
-- cannot: The price of a day is the one at which most pieces went, of several such the higher. It is usual once it holds on five days in a row on which the product is sold: an offer that ends earlier is passed over.
-- cannot: What sold more or less may have had other reasons: a season, an offer, a large customer.
with daily as (
  select
    stock_code,
    day,
    unit_price,
    sum(quantity) as pieces,
    row_number() over (partition by stock_code, day order by sum(quantity) desc, unit_price desc) as place
  from transactions
  group by stock_code, day, unit_price
),
turns as (
  select
    stock_code,
    day,
    unit_price,
    case when unit_price = lag(unit_price) over (partition by stock_code order by day) then 0 else 1 end as turn
  from daily
  where place = 1
),
runs as (
  select stock_code, day, unit_price, sum(turn) over (partition by stock_code order by day) as run
  from turns
),
usual as (
  select stock_code, min(day) as day, min(unit_price) as unit_price
  from runs
  group by stock_code, run
  having count(*) >= 5
),
steps as (
  select stock_code, day, unit_price, lag(unit_price) over (partition by stock_code order by day) as price_before
  from usual
),
span as (
  select min(day) as first_day, max(day) as last_day from transactions
),
sold as (
  select
    steps.stock_code,
    steps.day,
    price_before,
    steps.unit_price as price_after,
    sum(case when daily.day < steps.day then pieces else 0 end) as pieces_before,
    sum(case when daily.day < steps.day then 0 else pieces end) as pieces_after
  from steps
  join daily on daily.stock_code = steps.stock_code
  where price_before <> steps.unit_price and date_diff('day', steps.day, daily.day) between -28 and 27
  group by steps.stock_code, steps.day, price_before, steps.unit_price
)
select
  sold.stock_code,
  description,
  day,
  price_before,
  price_after,
  round((cast(price_after as double) / cast(price_before as double) - 1) * 100, 2) as change,
  cast(pieces_before as bigint) as pieces_before,
  cast(pieces_after as bigint) as pieces_after,
  least(date_diff('day', first_day, day), 28) as days_before,
  least(date_diff('day', day, last_day) + 1, 28) as days_after
from sold
join products on products.stock_code = sold.stock_code
cross join span

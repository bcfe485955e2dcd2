-- question: Which products are sold below their usual price, and how deep?
-- grain: one row for each product of which a piece was sold below its usual price
-- uses: products
-- range: rows
-- order: given desc, stock_code
-- column: stock_code text: Code of the product
-- column: description text: Its name, in the spelling on most lines
-- column: usual_price decimal currency: The price on most of its lines of a month, of several such the higher; where months differ, their average by pieces
-- column: lowest_price decimal currency: The least that a piece was sold for
-- column: average_price decimal currency: Revenue divided by pieces
-- column: discount number ratio: How far the average price is below the usual one, 0 to 1; less than 0 where more was paid
-- column: below number ratio: Part of the pieces that was sold below the usual price of their month, 0 to 1
-- column: given decimal currency: How much more those pieces would have brought at the usual price
-- cannot: It knows no list of prices: a product of which most lines of a month are reduced has the reduced price as its usual one.
-- cannot: It does not know whether a price is an offer, one for large orders or a mistake; postage and manual entries have a new price each time.
with priced as (
  select
    stock_code,
    unit_price,
    pieces,
    first_value(unit_price) over (partition by stock_code, month order by lines desc, unit_price desc) as usual
  from (
    select
      stock_code,
      date_trunc('month', day) as month,
      unit_price,
      count(*) as lines,
      cast(sum(quantity) as bigint) as pieces
    from transactions
    group by stock_code, date_trunc('month', day), unit_price
  ) as prices
),
discounted as (
  select
    stock_code,
    min(unit_price) as lowest_price,
    cast(sum(pieces) as double) as pieces,
    cast(sum(pieces * unit_price) as double) as paid,
    cast(sum(pieces * usual) as double) as at_usual,
    cast(sum(case when unit_price < usual then pieces else 0 end) as double) as pieces_below,
    cast(sum(case when unit_price < usual then pieces * (usual - unit_price) else 0 end) as decimal(38, 4)) as given
  from priced
  group by stock_code
)
select
  discounted.stock_code,
  description,
  cast(round(at_usual / discounted.pieces, 4) as decimal(38, 4)) as usual_price,
  lowest_price,
  cast(round(paid / discounted.pieces, 4) as decimal(38, 4)) as average_price,
  round(1 - paid / at_usual, 4) as discount,
  round(pieces_below / discounted.pieces, 4) as below,
  given
from discounted
join products on products.stock_code = discounted.stock_code
where given > 0

-- relation: a product's sales; its description is the spelling on most lines, of several such the first by its bytes
-- reads: transactions
select stock_code, description, revenue, pieces, orders
from (
  select
    stock_code,
    description,
    row_number() over (partition by stock_code order by count(description) desc, description) as place
  from transactions
  group by stock_code, description
) as spellings
join (
  select
    stock_code as sold_code,
    cast(sum(quantity * unit_price) as decimal(38, 4)) as revenue,
    cast(sum(quantity) as bigint) as pieces,
    count(distinct invoice_no) as orders
  from transactions
  group by stock_code
) as sold on sold_code = stock_code
where place = 1

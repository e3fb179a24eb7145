-- The Complete Journey in the landing zone's shape. `transactions`, `products`, `campaigns`,
-- `campaign_descriptions`, `coupon_redemptions` and `demographics` are views on the package's files.
-- Whatever is drawn with unit() is synthesised: the data has no names, addresses, consents, visits or opens.
-- unit(key) is a number in [0, 1) that depends on the key and the seed alone.
create macro unit(key) as
    md5_number_lower('complete-journey-2017:' || key)::double / 18446744073709551616.0;
create macro pick(items, key) as items[1 + floor(unit(key) * len(items))::integer];

create table households as
select
    household_id::varchar as household_id,
    min(transaction_timestamp) as first_basket_at,
from transactions
group by household_id;

create table words as
select
    ['Ava', 'Noah', 'Mia', 'Liam', 'Zoë', 'Lucas', 'Emma', 'José', 'Grace', 'Owen', 'Ruth', 'Samuel', 'Iris',
     'Leo', 'Nora', 'Felix', 'Clara', 'Hugo', 'Alice', 'Omar', 'Maya', 'Ivan', 'Elsa', 'Theo'] as first_names,
    ['Miller', 'Garcia', 'O''Neil', 'Nguyen', 'Smith', 'Johnson', 'Brown', 'Müller', 'Lopez', 'Wilson', 'Clark',
     'Lewis', 'Young', 'King', 'Wright', 'Scott', 'Green', 'Baker', 'Adams', 'Nelson'] as last_names,
    [{'city': 'New York', 'region': 'NY', 'timezone': 'America/New_York'},
     {'city': 'New York', 'region': 'NY', 'timezone': 'America/New_York'},
     {'city': 'Cincinnati', 'region': 'OH', 'timezone': 'America/New_York'},
     {'city': 'Columbus', 'region': 'OH', 'timezone': 'America/New_York'},
     {'city': 'Chicago', 'region': 'IL', 'timezone': 'America/Chicago'},
     {'city': 'Houston', 'region': 'TX', 'timezone': 'America/Chicago'},
     {'city': 'Denver', 'region': 'CO', 'timezone': 'America/Denver'},
     {'city': 'Phoenix', 'region': 'AZ', 'timezone': 'America/Phoenix'},
     {'city': 'Los Angeles', 'region': 'CA', 'timezone': 'America/Los_Angeles'}] as places,
    ['recipes', 'fresh produce', 'family meals', 'wine', 'baking', 'health', 'pets', 'garden'] as topics,
    ['in_store', 'web_form', 'app', 'referral'] as signup_sources;

-- One row per household, then 331 people who signed up and never bought (wholly synthesised).
create table people as
select
    household_id as contact_id,
    household_id as key,
    first_basket_at - to_seconds((unit(household_id || ':signup') * 400 * 86400)::bigint) as signed_up_at,
    true as is_household,
from households
union all
select
    'P' || n,
    'P' || n,
    timestamp '2017-12-31 20:00:00'
    - to_seconds((pow(unit('P' || n || ':signup'), 2) * 330 * 86400)::bigint),
    false,
from range(1, 332) as prospects (n);

create table contacts as
select
    contact_id,
    -- Household numbers keep the addresses apart; capitals and blanks are what real exports have.
    case
        when unit(key || ':case') < 0.05 then ' ' || upper('person.' || lower(key)) || '@Example.com'
        else 'person.' || lower(key) || '@example.com'
    end as email,
    strftime(signed_up_at, '%Y-%m-%dT%H:%M:%SZ') as signed_up_at,
    case when unit(key || ':has_phone') < 0.6 then '+1555' || lpad(floor(unit(key || ':phone') * 1e7)::bigint::varchar, 7, '0') end as phone,
    case when unit(key || ':has_name') < 0.92 then pick(first_names, key || ':first') end as first_name,
    case when unit(key || ':has_name') < 0.92 then pick(last_names, key || ':last') end as last_name,
    case when unit(key || ':has_city') < 0.9 then pick(places, key || ':place').city end as city,
    case when unit(key || ':has_city') < 0.9 then pick(places, key || ':place').region end as region,
    'US' as country,
    pick(places, key || ':place').timezone as timezone,
    case when unit(key || ':language') < 0.94 then 'en' else 'es' end as language,
    case when unit(key || ':has_topics') < 0.4
        then to_json(list_distinct([pick(topics, key || ':topic1'), pick(topics, key || ':topic2')]).list_sort())::varchar
    end as preferences,
    pick(signup_sources, key || ':source') as signup_source,
    demographics.age as age_band,
    demographics.income as income_band,
    demographics.home_ownership,
    demographics.marital_status,
    demographics.household_size,
    demographics.household_comp as household_composition,
    demographics.kids_count,
from people
cross join words
left join demographics on people.contact_id = demographics.household_id::varchar
order by is_household desc, try_cast(people.contact_id as integer), people.contact_id;

-- One person under two addresses: forty households gave another address on the web, with the same phone.
create table second_contacts as
select
    contact_id || '-web' as contact_id,
    'home.' || contact_id || '@example.org' as email,
    strftime(signed_up_at::timestamptz at time zone 'UTC' + interval 45 day, '%Y-%m-%dT%H:%M:%SZ') as signed_up_at,
    phone,
    first_name,
    last_name,
    city,
    country,
    'web_form' as signup_source,
from contacts
where phone is not null and contact_id not like 'P%'
order by unit(contact_id || ':second'), contact_id
limit 40;

-- What a form without checks lets through, written as text so that it is broken in each of these ways.
create table broken_contacts as
select unnest([
    'contact_id,email,signed_up_at,first_name,city',
    'B1,not-an-address,2017-05-01T10:00:00Z,Ada,Denver',
    'B2,person.b2@example.com,yesterday,Ben,Chicago',
    ',person.b3@example.com,2017-06-01T10:00:00Z,Cleo,',
    'B4,person.b4@example.com,2017-06-02T10:00:00Z',
    'B5,person.b5@example.com,2017-06-03T10:00:00Z,Dan,Austin, TX',
    'B6,,2017-06-04T10:00:00Z,Eve,Boston',
    'B7,person.b7@example.com,2017-06-05T10:00:00+02:00,Fay,'
]) as line;

create table consents as
with purposes as (
    select people.contact_id, people.key, people.signed_up_at, purpose,
        case purpose when 'newsletter' then 0.84 else 0.78 end as share,
    from people
    cross join unnest(['newsletter', 'offers']) as purposes (purpose)
),

granted as (
    select contact_id, key, purpose, signed_up_at as occurred_at
    from purposes
    where unit(key || ':grants:' || purpose) < share
),

withdrawn as (
    select
        contact_id, purpose,
        occurred_at + to_seconds((unit(key || ':withdrawn:' || purpose) * 86400
            * (date_diff('second', occurred_at, timestamp '2018-01-01') / 86400.0))::bigint) as occurred_at,
    from granted
    where unit(key || ':withdraws:' || purpose) < 0.06
)

select
    contact_id, purpose, action, strftime(occurred_at, '%Y-%m-%dT%H:%M:%SZ') as occurred_at, source,
    text_version,
from (
    select contact_id, purpose, 'granted' as action, occurred_at, 'signup_form' as source, 'v1' as text_version
    from granted
    union all
    select contact_id, purpose, 'withdrawn', occurred_at, 'preference_centre', 'v1' from withdrawn
)
order by occurred_at, contact_id, purpose, action;

create table activities as
select
    household_id::varchar as contact_id,
    'coupon_redeemed' as activity,
    strftime(redemption_date, '%Y-%m-%dT%H:%M:%SZ') as occurred_at,
    json_object('coupon_upc', coupon_upc::varchar, 'campaign', 'journey-' || campaign_id) as properties,
from coupon_redemptions
order by redemption_date, household_id, coupon_upc, campaign_id;

-- Events about the topics that people were given above: in their cities, in a region, and for all.
create table invitable_events as
select
    event_id, name, topic, starts_at, ends_at, city, region, 'US' as country, timezone, url, capacity,
    registered_count, '2017-12-28T09:00:00Z' as updated_at, is_cancelled,
from (values
    ('tasting-ny', 'Winter wines, six glasses', 'wine', '2018-01-18T19:00:00-05:00', '2018-01-18T21:00:00-05:00',
     'New York', 'NY', 'America/New_York', 'https://www.example.com/events/tasting-ny', 40, 22, false),
    ('tasting-la', 'Wines of the coast', 'wine', '2018-02-08T19:00:00-08:00', '2018-02-08T21:00:00-08:00',
     'Los Angeles', 'CA', 'America/Los_Angeles', 'https://www.example.com/events/tasting-la', 40, 3, false),
    ('bread-oh', 'A loaf in three hours', 'baking', '2018-01-27T10:00:00-05:00', '2018-01-27T13:00:00-05:00',
     null, 'OH', 'America/New_York', 'https://www.example.com/events/bread-oh', 24, 20, false),
    ('growers-chicago', 'Meet the growers', 'fresh produce', '2018-01-20T09:00:00-06:00',
     '2018-01-20T12:00:00-06:00', 'Chicago', 'IL', 'America/Chicago',
     'https://www.example.com/events/growers-chicago', null, null, false),
    ('family-online', 'Five dinners that children eat', 'family meals', '2018-01-24T18:00:00-05:00',
     '2018-01-24T19:00:00-05:00', null, null, null, 'https://www.example.com/events/family-online', 500, 61, false),
    ('recipes-online', 'Cooking from the pantry', 'recipes', '2018-01-31T18:00:00-05:00',
     '2018-01-31T19:00:00-05:00', null, null, null, 'https://www.example.com/events/recipes-online', 500, 12, false),
    ('health-online', 'Eating well in winter', 'health', '2018-01-16T18:00:00-05:00', '2018-01-16T19:00:00-05:00',
     null, null, null, 'https://www.example.com/events/health-online', 100, 100, false),
    ('cookies-ny', 'Holiday cookies', 'baking', '2017-12-16T14:00:00-05:00', '2017-12-16T16:00:00-05:00',
     'New York', 'NY', 'America/New_York', 'https://www.example.com/events/cookies-ny', 24, 24, false),
    ('pets-denver', 'Puppies on the square', 'pets', '2018-02-03T11:00:00-07:00', '2018-02-03T13:00:00-07:00',
     'Denver', 'CO', 'America/Denver', 'https://www.example.com/events/pets-denver', null, null, true)
) as listed (event_id, name, topic, starts_at, ends_at, city, region, timezone, url, capacity, registered_count, is_cancelled)
order by starts_at::timestamptz, event_id;

create table catalogue as
with sold as (
    select
        product_id,
        median(sales_value / quantity) filter (quantity > 0 and sales_value > 0) as price,
        max(transaction_timestamp) as last_sold_at,
    from transactions
    group by product_id
)

select
    products.product_id::varchar as product_id,
    concat_ws(
        ' ',
        upper(left(coalesce(product_type, product_category, 'PRODUCT ' || products.product_id), 1))
        || lower(substr(coalesce(product_type, product_category, 'PRODUCT ' || products.product_id), 2)),
        lower(package_size)
    ) as name,
    product_category as category,
    department,
    brand,
    nullif(round(price, 2), 0)::decimal(18, 2)::varchar as price_amount,
    'USD' as currency,
    coalesce(last_sold_at >= timestamp '2017-10-01', false)::varchar as is_available,
    case
        when department in ('GROCERY', 'PRODUCE', 'MEAT', 'MEAT-PCKGD', 'DELI', 'PASTRY', 'SEAFOOD', 'SEAFOOD-PCKGD', 'NUTRITION')
            then 'true'
        when product_type ilike 'gasoline%' then 'false'
    end as is_consumable,
from products
left join sold on products.product_id = sold.product_id
order by products.product_id;

create table orders as
select
    basket_id::varchar as order_id,
    any_value(household_id)::varchar as customer_id,
    any_value(transaction_timestamp) as ordered_at,
    'USD' as currency,
    'pos' as channel,
    any_value(store_id)::varchar as store_id,
from transactions
group by basket_id
order by ordered_at, order_id;

-- sales_value is what the shop received; its own discounts come on top of it in the list price.
-- A line of quantity 0 carries its amount as the unit price of nothing: it is kept, and is no purchase.
create table order_lines as
select
    basket_id::varchar as order_id,
    row_number() over (partition by basket_id order by product_id) as line_number,
    product_id::varchar as product_id,
    quantity,
    ((sales_value + retail_disc + coupon_match_disc) / greatest(quantity, 1))::decimal(18, 8) as unit_price_amount,
    case when quantity > 0 then (retail_disc + coupon_match_disc)::decimal(18, 2) else 0 end as discount_amount,
from transactions
order by transaction_timestamp, basket_id, line_number;

-- Views that precede a basket: real products and people, synthesised visits.
create table visits as
select
    basket_id::varchar as visit_id,
    household_id::varchar as contact_id,
    transaction_timestamp - to_seconds((600 + unit(basket_id || ':before') * 100000)::bigint) as started_at,
from (select distinct basket_id, household_id, transaction_timestamp from transactions)
where unit(basket_id || ':visits') < 0.12
union all
select
    'V' || contact_id || '-' || n,
    contact_id,
    signed_up_at + to_seconds((unit(key || ':visit:' || n) * 20 * 86400)::bigint),
from people
cross join range(1, 3) as visits (n)
where not is_household and signed_up_at + interval 20 day < timestamp '2018-01-01';

create table viewed as
select
    visits.visit_id, visits.contact_id, visits.started_at, transactions.product_id::varchar as product_id,
    row_number() over (partition by visits.visit_id order by unit(visits.visit_id || transactions.product_id)) as nth,
from visits
inner join transactions on visits.visit_id = transactions.basket_id::varchar
qualify nth <= 3;

create table web_events as
with signed_in as (
    select contact_id, min(started_at) as occurred_at from visits group by contact_id
),

events as (
    select visit_id || '-home' as message_id, 'page' as type, contact_id, started_at as occurred_at,
        null as event, json_object('name', 'Home', 'path', '/') as properties,
    from visits
    union all
    select visit_id || '-' || nth, 'track', contact_id, started_at + to_seconds(40 * nth), 'Product Viewed',
        json_object('product_id', product_id),
    from viewed
    union all
    select contact_id || '-identify', 'identify', contact_id, occurred_at + to_seconds(5), null, null
    from signed_in
)

select
    message_id,
    type,
    'anon-' || substr(md5(contact_id), 1, 12) as anonymous_id,
    case when type = 'identify' or unit(message_id || ':known') < 0.5 then contact_id end as user_id,
    event,
    properties,
    json_object('page', json_object('referrer', pick(['', 'https://search.example.org/', 'https://social.example.org/'], message_id))) as context,
    strftime(occurred_at, '%Y-%m-%dT%H:%M:%SZ') as timestamp,
from events
where occurred_at < timestamp '2018-01-01'
order by occurred_at, message_id;

-- Which household got which campaign is real; that it came by e-mail is ours to suppose.
create table campaign_messages as
select
    'journey-' || campaign_id || '-' || household_id as message_id,
    'person.' || household_id || '@example.com' as email,
    'journey-' || campaign_id as campaign,
    start_date as sent_at,
    campaign_type as variant,
from campaigns
inner join campaign_descriptions using (campaign_id)
order by start_date, campaign_id, household_id;

create table newsletter_messages as
select
    'newsletter-' || issue || '-' || contact_id as message_id,
    'person.' || lower(contact_id) || '@example.com' as email,
    'newsletter-' || issue as campaign,
    sent_at,
    'News from Journey Market' as subject,
from people
cross join (values
    ('2017-10', timestamp '2017-10-26 15:00:00'),
    ('2017-11', timestamp '2017-11-28 15:00:00'),
    ('2017-12', timestamp '2017-12-28 15:00:00')
) as issues (issue, sent_at)
where unit(contact_id || ':grants:newsletter') < 0.84 and signed_up_at < sent_at
    and unit(contact_id || ':mailed') < 0.93
order by sent_at, contact_id;

create table esp_events as
with messages as (
    select message_id, email, sent_at, campaign from campaign_messages
    union all
    select message_id, email, sent_at, campaign from newsletter_messages
),

baskets as (
    select distinct 'person.' || household_id || '@example.com' as email, transaction_timestamp as basket_at
    from transactions
),

-- Who bought of late opens more; what they buy later, nobody knows yet.
awaited as (
    select messages.*, baskets.basket_at
    from messages
    asof left join baskets on messages.email = baskets.email and messages.sent_at >= baskets.basket_at
),

reached as (
    select
        awaited.*, unit(message_id || ':bounce') < 0.004 as is_bounced,
        unit(message_id || ':open') < case
            when basket_at is null then 0.25
            when basket_at < sent_at - interval 60 days then 0.05
            else 0.38
        end as is_opened,
        unit(message_id || ':machine') < 0.3 as has_proxy,
        unit(message_id || ':click') < 0.22 as is_clicked,
    from awaited
),

events as (
    select message_id, email, case when is_bounced then 'bounced' else 'delivered' end as event,
        sent_at + to_seconds(30) as occurred_at, null as url, false as is_machine,
        case when is_bounced then 'mailbox does not exist' end as reason,
    from reached
    union all
    select message_id, email, 'opened', sent_at + to_seconds(35), null, true, null
    from reached where has_proxy and not is_bounced
    union all
    select message_id, email, 'opened', sent_at + to_seconds((600 + pow(unit(message_id || ':delay'), 3) * 400000)::bigint),
        null, false, null
    from reached where is_opened and not is_bounced
    union all
    select message_id, email, 'clicked',
        sent_at + to_seconds((630 + pow(unit(message_id || ':delay'), 3) * 400000)::bigint),
        'https://journey-market.example.com/offers', false, null
    from reached where is_opened and is_clicked and not is_bounced
    union all
    select message_id, email, 'unsubscribed', sent_at + to_seconds(7200), null, false, null
    from reached where is_opened and not is_bounced and unit(message_id || ':unsubscribe') < 0.012
    union all
    select message_id, email, 'complained', sent_at + to_seconds(9000), null, false, null
    from reached where is_opened and not is_bounced and unit(message_id || ':complain') < 0.0015
)

select
    message_id || ':' || event || case when is_machine then ':machine' else '' end as event_id,
    event,
    email,
    strftime(occurred_at, '%Y-%m-%dT%H:%M:%SZ') as occurred_at,
    message_id,
    url,
    reason,
    is_machine,
from events
where occurred_at < timestamp '2018-01-01'
order by occurred_at, event_id;

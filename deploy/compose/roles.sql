-- Run once by PostgreSQL's image as its administrator, when the data folder is new.
\getenv owner_password DATABASE_OWNER_PASSWORD
\getenv service_password DATABASE_SERVICE_PASSWORD
create role podo_owner login createrole password :'owner_password';
-- By the owner's role, so that it may give the service rights.
set role podo_owner;
create role podo_service login password :'service_password';
reset role;
grant pg_read_all_stats to podo_service;
create database podo owner podo_owner;

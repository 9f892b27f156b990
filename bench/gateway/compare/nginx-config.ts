/** A configuration of nginx with one worker and no logs. @param http what it serves: directives of the block `http` */
export function nginxConfig(folder: string, name: string, http: string): string {
  return `daemon off;
worker_processes 1;
error_log stderr error;
pid ${folder}/${name}.pid;
events { worker_connections 8192; }
http {
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  ${http}
}
`;
}

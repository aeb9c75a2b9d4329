-- wa-fix in Neovim: diagnostics while you type, fixes as code actions.
--
-- As `.nvim.lua` in a project it is read where 'exrc' is set, once you have trusted it (:help 'exrc'); it works as well
-- as `plugin/wa-fix.lua` in your own configuration.

local filetypes = { 'typescript', 'typescriptreact', 'javascript', 'javascriptreact', 'json', 'yaml', 'sh', 'toml' }
local name = 'wa-fix'
local command = { vim.env.WA_FIX or 'wa-fix', 'lsp' }

-- What a server cannot ask by itself.
local function send(context, command_name, argument)
  local client = vim.lsp.get_client_by_id(context.client_id)
  local params = { command = command_name, arguments = { argument } }
  client.request('workspace/executeCommand', params, function(error)
    if error then vim.notify('wa-fix: ' .. error.message, vim.log.levels.ERROR) end
  end, context.bufnr)
end

vim.lsp.commands['wa-fix.askValue'] = function(asked, context)
  local question = asked.arguments[1]
  local proposed = type(question.proposed) == 'string' and question.proposed or nil
  vim.ui.input({ prompt = question.ask .. ' ', default = proposed }, function(value)
    if value and vim.trim(value) ~= '' then
      send(context, 'wa-fix.addValue', { key = question.key, value = value })
    end
  end)
end

vim.lsp.commands['wa-fix.askReason'] = function(asked, context)
  vim.ui.input({ prompt = 'Why is it right as it is? ' }, function(reason)
    if reason and vim.trim(reason) ~= '' then
      send(context, 'wa-fix.apply', vim.tbl_extend('force', asked.arguments[1], { reason = reason }))
    end
  end)
end

-- The folder of the nearest cdk.json.
local function root_of(file)
  local folder = vim.fn.fnamemodify(file, ':p:h')
  local found = vim.fn.findfile('cdk.json', vim.fn.escape(folder, ' ') .. ';')
  return found ~= '' and vim.fn.fnamemodify(found, ':p:h') or nil
end

local function start(buffer)
  local root = root_of(vim.api.nvim_buf_get_name(buffer))
  if not root then return end
  local config = {
    name = name,
    cmd = command,
    root_dir = root,
    workspace_folders = { { uri = vim.uri_from_fname(root), name = root } },
    init_options = { asks = true },
  }
  if vim.lsp.start then
    vim.lsp.start(config, { bufnr = buffer })
    return
  end
  -- Before Neovim 0.8.
  for _, client in pairs(vim.lsp.get_active_clients()) do
    if client.name == name and client.config.root_dir == root then
      vim.lsp.buf_attach_client(buffer, client.id)
      return
    end
  end
  local id = vim.lsp.start_client(config)
  if id then vim.lsp.buf_attach_client(buffer, id) end
end

vim.api.nvim_create_autocmd('FileType', {
  pattern = filetypes,
  callback = function(event) start(event.buf) end,
})
